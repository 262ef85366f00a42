// Requests to the server. Every failure becomes an Error with a message for the user.

export class Gone extends Error {}

const UNREACHABLE = "The server does not answer. Start it again with mer app, then reload this page.";

async function ask(path, options) {
  const answer = await fetch(path, options).catch(() => { throw new Error(UNREACHABLE); });
  if (answer.status === 204) return null;
  const value = await answer.json().catch(() => ({message: `The server answered with an error (${answer.status}).`}));
  if (answer.status === 404) throw new Gone(value.message);
  if (!answer.ok) throw new Error(value.message);
  return value;
}

const post = (path, body) => ask(path, {method: "POST", body: body === undefined ? undefined : JSON.stringify(body)});

export const settings = () => ask("/api/settings");
export const clips = () => ask("/api/clips");
export const result = key => ask(`/api/clips/${key}/result`);
export const example = bundle => post(`/api/example?${new URLSearchParams({bundle})}`);
export const score = (key, onset, apex, bundle) => post(`/api/clips/${key}/score`, {onset, apex, bundle});
export const analyse = (key, face) => post(`/api/clips/${key}/analyse`, {face});
export const cancel = key => post(`/api/clips/${key}/cancel`);
export const drawVideo = key => post(`/api/clips/${key}/annotate`);
export const close = key => ask(`/api/clips/${key}`, {method: "DELETE"});

/** A file with the name to save it under. */
export async function file(path) {
  const answer = await fetch(path).catch(() => { throw new Error(UNREACHABLE); });
  if (!answer.ok) throw new Error((await answer.json()).message);
  const named = answer.headers.get("content-disposition") ?? "";
  const saved = /filename\*=utf-8''([^;]+)/i.exec(named)?.[1] ?? /filename="([^"]+)"/.exec(named)?.[1] ?? "file";
  return {content: await answer.blob(), saved: decodeURIComponent(saved)};
}

/** Send a file; `progress` is called with the fraction sent. fetch cannot report progress, so this is XMLHttpRequest. */
export function upload(file, name, bundle, progress) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/clips?${new URLSearchParams({name, bundle})}`);
    request.responseType = "json";
    request.upload.onprogress = event => progress(event.loaded / event.total);
    request.onerror = () => reject(new Error(UNREACHABLE));
    request.onload = () => request.status === 201
      ? resolve(request.response)
      : reject(new Error(request.response?.message ?? `The server answered with an error (${request.status}).`));
    request.send(file);
  });
}
