// What is alive on a page is asked for again from time to time. Without this the page is as it was, and as good.
"use strict";
(() => {
  const live = document.getElementById("live");
  if (!live) return;
  const seconds = Number(live.dataset.refresh);
  setInterval(async () => {
    if (document.hidden || live.contains(document.activeElement)) return;
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" }, redirect: "error" });
      if (!answer.ok) return;
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const now = page.getElementById("live");
      if (!now || now.tagName !== live.tagName || live.tagName === "P") {
        if (!now) location.reload();
        return;
      }
      const open = [...live.querySelectorAll("details")].map((d) => d.open);
      live.replaceChildren(...now.childNodes);
      live.querySelectorAll("details").forEach((d, i) => { d.open = Boolean(open[i]); });
    } catch {
      // the daemon restarts; the next time
    }
  }, seconds * 1000);
})();
