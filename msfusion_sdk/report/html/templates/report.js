"use strict";
// Sorts a table when a column's head is pressed; numbers as numbers, words with their numbers.
(function () {
  const number = /^[-+−]?[\d,]*\.?\d+(?:\s.*)?$/;
  const value = (row, column) => row.cells[column].textContent.trim();
  const asNumber = (text) => parseFloat(text.replace(/,/g, "").replace("−", "-"));

  function compare(a, b) {
    if (number.test(a) && number.test(b)) return asNumber(a) - asNumber(b) || a.localeCompare(b);
    return a.localeCompare(b, undefined, { numeric: true });
  }

  function sort(table, column, head) {
    const goesDown = head.getAttribute("aria-sort") === "ascending";
    for (const other of table.tHead.rows[0].cells) other.setAttribute("aria-sort", "none");
    head.setAttribute("aria-sort", goesDown ? "descending" : "ascending");
    const rows = Array.from(table.tBodies[0].rows);
    rows.sort((a, b) => (goesDown ? -1 : 1) * compare(value(a, column), value(b, column)));
    table.tBodies[0].append(...rows);
  }

  for (const table of document.querySelectorAll("table.sortable")) {
    if (table.tBodies[0].rows.length < 2) continue;
    Array.from(table.tHead.rows[0].cells).forEach((head, column) => {
      // Not a button element: browsers do not print it in a head that is repeated on each page.
      const button = document.createElement("span");
      button.setAttribute("role", "button");
      button.tabIndex = 0;
      button.textContent = head.textContent;
      button.addEventListener("click", () => sort(table, column, head));
      button.addEventListener("keydown", (event) => {
        if (event.key !== "Enter" && event.key !== " ") return;
        event.preventDefault();
        sort(table, column, head);
      });
      head.setAttribute("aria-sort", "none");
      head.replaceChildren(button);
    });
  }
})();
