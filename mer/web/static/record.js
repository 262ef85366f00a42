// The webcam: asks for consent, records without sound, and hands the recording over as a file. Nothing leaves the machine.

import {$} from "./dom.js";

const MAX_S = 20, TYPES = ["video/webm;codecs=vp8", "video/webm", "video/mp4"];
let stream = null, recorder = null, parts = [], timer = null;

export function setUpRecorder(addFiles) {
  const supported = navigator.mediaDevices?.getUserMedia && window.MediaRecorder;
  $("record").hidden = !supported;
  $("record").addEventListener("click", () => { reset(); $("recorder").showModal(); });
  $("consent").addEventListener("change", () => { $("start").disabled = !$("consent").checked; });
  $("start").addEventListener("click", () => recorder?.state === "recording" ? recorder.stop() : stream ? record() : openCamera());
  $("discard").addEventListener("click", close);
  $("recorder").addEventListener("close", stopCamera);  // by the Escape key
  $("use").addEventListener("click", () => {
    const type = recorder.mimeType, file = new File(parts, `webcam-${stamp()}.${type.includes("mp4") ? "mp4" : "webm"}`, {type});
    close();
    addFiles([file]);
  });
}

function reset() {
  parts = [];
  recorder = null;
  $("consent").checked = $("consent").disabled = false;
  $("start").disabled = true;
  $("start").hidden = false;
  $("start").textContent = "Start the camera";
  $("use").hidden = $("live").hidden = true;
  $("recorder-status").textContent = "";
}

async function openCamera() {
  try {
    stream = await navigator.mediaDevices.getUserMedia({audio: false, video: {width: {ideal: 1280}, frameRate: {ideal: 60}}});
  } catch (error) {
    $("recorder-status").textContent = error.name === "NotAllowedError"
      ? "The browser was not allowed to use the camera. Allow it in the address bar, then try again."
      : "No camera was found, or another program uses it.";
    return;
  }
  $("live").hidden = false;
  $("live").controls = false;
  $("live").srcObject = stream;
  await $("live").play();
  $("consent").disabled = true;
  $("start").textContent = "Record";
  $("recorder-status").textContent = `Up to ${MAX_S} s. Look into the camera from the front, in even light; begin with a neutral face.`;
}

function record() {
  parts = [];
  recorder = new MediaRecorder(stream, {mimeType: TYPES.find(type => MediaRecorder.isTypeSupported(type)), videoBitsPerSecond: 12e6});
  recorder.addEventListener("dataavailable", event => parts.push(event.data));
  recorder.addEventListener("stop", review);
  recorder.start();
  const began = performance.now();
  $("use").hidden = true;
  $("start").textContent = "Stop";
  timer = setInterval(() => {
    const seconds = (performance.now() - began) / 1000;
    $("recorder-status").textContent = `Recording: ${seconds.toFixed(0)} of ${MAX_S} s`;
    if (seconds >= MAX_S) recorder.stop();
  }, 250);
}

function review() {
  clearInterval(timer);
  if (!stream) return;  // the dialog was closed meanwhile
  $("start").textContent = "Record again";
  $("use").hidden = false;
  $("recorder-status").textContent = "Recorded. Nothing has been stored yet.";
  $("use").focus();
}

function close() {
  $("recorder").close();
  stopCamera();  // at once: the event fires a frame later
}

function stopCamera() {
  clearInterval(timer);
  const tracks = stream?.getTracks() ?? [];
  stream = null;
  if (recorder?.state === "recording") recorder.stop();
  tracks.forEach(track => track.stop());
  $("live").srcObject = null;
  $("record").focus();
}

function stamp() {
  return new Date().toISOString().slice(0, 19).replace(/[:T]/g, "-");
}
