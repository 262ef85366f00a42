(() => {
  const numbers = text => (text.match(/[\d.]+/g) ?? []).map(Number);
  const linear = v => v <= .03928 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4;
  const luminance = rgb => rgb.slice(0, 3).reduce((sum, v, i) => sum + linear(v / 255) * [.2126, .7152, .0722][i], 0);
  const ground = e => {
    for (; e; e = e.parentElement) {
      const colour = numbers(getComputedStyle(e).backgroundColor);
      if (colour.length === 3 || colour[3] === 1) return colour;
    }
  };
  const written = e => [...e.childNodes].some(node => node.nodeType === 3 && node.textContent.trim())
    && e.checkVisibility() && !e.closest("svg") && !e.disabled && !["OPTION", "NOSCRIPT"].includes(e.tagName);
  return {
    /** The texts whose contrast with what is behind them is below 4.5 (WCAG AA). */
    lowContrast() {
      return [...document.querySelectorAll("main *, nav *, header *")].filter(written).map(e => {
        const [a, b] = [luminance(numbers(getComputedStyle(e).color)), luminance(ground(e))].sort((x, y) => y - x);
        return [e.textContent.trim().slice(0, 30), (a + .05) / (b + .05)];
      }).filter(([, ratio]) => ratio < 4.5);
    },
    /** Where the mark of "onset" or "apex" stands on the timeline, and the thumb of its slider, px. */
    onAxis(name) {
      const mark = document.querySelectorAll("#timeline .mark")[name === "onset" ? 0 : 1].getBoundingClientRect();
      const slider = document.getElementById(name), box = slider.getBoundingClientRect(), thumb = 20;
      const fraction = (slider.value - slider.min) / (slider.max - slider.min);
      return [mark.x + mark.width / 2, box.x + thumb / 2 + fraction * (box.width - thumb)];
    },
    /** Name and content of files of the clip that is shown. */
    async files(names) {
      const api = await import("/static/api.js"), folder = `/api${location.pathname.replace("clip", "clips")}/files`;
      return Promise.all(names.map(async name => {
        const {content, saved} = await api.file(`${folder}/${name}`);
        return [saved, await content.text()];
      }));
    },
  };
})()
