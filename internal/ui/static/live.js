// Draws the page anew when something changes. The server draws; this script only
// fetches, so the page says the same with it and without it.
"use strict";

const link = document.getElementById("link");
let due = 0; // timer of the next drawing

async function draw() {
  due = 0;
  try {
    const answer = await fetch("/ui/", { cache: "no-store" });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
    const main = fresh.getElementById("live");
    if (main === null) throw new Error("not the page");
    const scrolled = [...document.querySelectorAll(".scroll")].map((e) => e.scrollLeft);
    document.getElementById("live").replaceWith(document.adoptNode(main));
    document.querySelectorAll(".scroll").forEach((e, i) => { e.scrollLeft = scrolled[i] || 0; });
    document.title = fresh.title;
    link.textContent = answer.ok ? "live" : "no leader answers; trying again";
    if (!answer.ok) later(3000);
  } catch (problem) {
    link.textContent = "this scheduler does not answer; trying again. What you see is old";
    later(3000);
  }
}

function later(milliseconds) {
  if (due === 0) due = setTimeout(draw, milliseconds);
}

function listen() {
  const stream = new EventSource("/v1/events");
  stream.addEventListener("snapshot", () => later(0));
  stream.addEventListener("change", () => later(300));
  stream.addEventListener("error", () => {
    link.textContent = "the stream is broken; connecting again. What you see may be old";
    stream.close();
    later(1000);
    setTimeout(listen, 3000);
  });
}

listen();
