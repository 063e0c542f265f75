"use strict";
const rule = document.querySelector("#rule"), words = document.querySelector("#words");
const rows = [...document.querySelectorAll("tbody tr")], told = document.querySelector("output");
function show() {
  const asked = words.value.trim().toLowerCase();
  let shown = 0;
  for (const row of rows) {
    const fits = (!rule.value || row.dataset.rule === rule.value) && (!asked || row.textContent.toLowerCase().includes(asked));
    row.hidden = !fits;
    shown += fits;
  }
  told.textContent = `${shown.toLocaleString("en")} of ${rows.length.toLocaleString("en")} rows here`;
}
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
rule.addEventListener("change", show);
words.addEventListener("input", show);
show();
