/* Files: dropped or chosen, several at once, refused before they travel, with a bar each; pictures and PDFs shown in a dialog. */
(function () {
  "use strict";
  var ys = window.ys;

  function refusal(form, file) {
    var ending = "." + file.name.split(".").pop().toLowerCase();
    if (form.dataset.accept.split(",").indexOf(ending) < 0) { return form.dataset.wrongKind; }
    if (!file.size) { return ys.fill(form.dataset.empty, { name: file.name }); }
    return file.size > Number(form.dataset.most) * 1024 * 1024 ? form.dataset.tooLarge : "";
  }

  function line(file) {
    var made = document.createElement("li");
    var name = document.createElement("span");
    var bar = document.createElement("progress");
    var said = document.createElement("span");
    name.textContent = file.name;
    bar.max = 100;
    bar.value = 0;
    bar.setAttribute("aria-label", file.name);
    made.append(name, bar, said);
    document.getElementById("progress").append(made);
    return {
      at: function (part) { bar.value = Math.round(part * 100); },
      end: function (sentence, good) {
        bar.remove();
        said.textContent = sentence;
        made.className = good ? "ys-good" : "ys-why";
        if (good) { window.setTimeout(function () { made.remove(); }, 6000); }
      }
    };
  }

  function send(form, file, field) {
    return new Promise(function (done) {
      var shown = line(file);
      var wrong = refusal(form, file);
      if (wrong) { shown.end(wrong, false); done(false); return; }
      var data = new FormData();
      var request = new XMLHttpRequest();
      data.append("file", file);
      data.append("field", field);
      request.open("POST", form.action);
      request.setRequestHeader("X-CSRFToken", ys.token());
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", function (event) { if (event.lengthComputable) { shown.at(event.loaded / event.total); } });
      request.addEventListener("load", function () {
        var answer = {};
        try { answer = JSON.parse(request.responseText); } catch (_error) { answer = {}; }
        var good = request.status === 201;
        shown.end(answer.message || (request.status === 413 ? form.dataset.tooLarge : form.dataset.failed), good);
        done(good);
      });
      request.addEventListener("error", function () { shown.end(form.dataset.failed, false); done(false); });
      request.send(data);
    });
  }

  /* What the page says of files, read again from the server. */
  function refresh() {
    return fetch(window.location.href, { headers: { Accept: "text/html" } }).then(function (answer) { return answer.text(); }).then(function (text) {
      var page = new DOMParser().parseFromString(text, "text/html");
      var progress = document.getElementById("progress");
      document.querySelectorAll("#files, #gaps, [data-files]").forEach(function (old) {
        var fresh = page.getElementById(old.id);
        if (!fresh) { return; }
        fresh = document.importNode(fresh, true);
        old.replaceWith(fresh);
        ys.renew(fresh);
      });
      document.getElementById("progress").replaceWith(progress);
    });
  }

  function take(files, field) {
    var form = document.querySelector(".ys-upload");
    var way = Promise.resolve(false);
    Array.prototype.forEach.call(files, function (file) {
      way = way.then(function (any) { return send(form, file, field).then(function (good) { return any || good; }); });
    });
    return way.then(function (any) { return any ? refresh() : null; });
  }

  function chosen(form) { return form.elements.field ? form.elements.field.value : ""; }

  document.addEventListener("submit", function (event) {
    if (!event.target.matches(".ys-upload")) { return; }
    event.preventDefault();
    take(event.target.elements.file.files, chosen(event.target));
    event.target.elements.file.value = "";
  });
  document.addEventListener("change", function (event) {
    if (event.target.matches(".js-field-file input")) { take(event.target.files, event.target.dataset.field); }
    if (event.target.matches(".ys-upload input[type=file]") && event.target.files.length) { event.target.form.requestSubmit(); }
  });

  ["dragenter", "dragover", "dragleave", "drop"].forEach(function (name) {
    document.addEventListener(name, function (event) {
      var form = document.querySelector(".ys-upload");
      if (!form || !event.dataTransfer || Array.prototype.indexOf.call(event.dataTransfer.types, "Files") < 0) { return; }
      event.preventDefault();
      var there = Boolean(event.target.closest && event.target.closest("#files"));
      form.classList.toggle("ys-over", there && name !== "dragleave" && name !== "drop");
      if (name === "drop" && there) { take(event.dataTransfer.files, chosen(form)); }
    });
  });

  /* preview ---------------------------------------------------------------------------------- */

  function show(link) {
    var dialog = document.createElement("dialog");
    var head = document.createElement("div");
    var title = document.createElement("strong");
    var save = document.createElement("a");
    var close = document.createElement("button");
    var view = document.createElement(link.dataset.picture ? "img" : "iframe");
    var words = document.getElementById("files").dataset;
    dialog.className = "ys-preview";
    head.className = "ys-preview-head";
    title.textContent = link.textContent;
    dialog.setAttribute("aria-label", link.textContent);
    save.className = close.className = "btn";
    save.href = link.href;
    save.textContent = words.download;
    close.type = "button";
    close.textContent = words.close;
    close.addEventListener("click", function () { dialog.close(); });
    view.src = link.href + "?inline=1";
    view.title = link.textContent;
    if (link.dataset.picture) { view.alt = link.textContent; }
    head.append(title, save, close);
    dialog.append(head, view);
    dialog.addEventListener("click", function (event) { if (event.target === dialog) { dialog.close(); } });
    dialog.addEventListener("close", function () { dialog.remove(); link.focus(); });
    document.body.append(dialog);
    dialog.showModal();
  }

  document.addEventListener("click", function (event) {
    var link = event.target.closest(".js-preview");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) { return; }
    event.preventDefault();
    show(link);
  });

  ys.enhance(function (root) {
    root.querySelectorAll(".js-field-file input").forEach(function (input) { input.disabled = false; });
    root.querySelectorAll(".ys-upload input[type=file]").forEach(function (input) { input.multiple = true; });
    root.querySelectorAll(".ys-upload button[type=submit]").forEach(function (button) { button.hidden = true; });
  });
})();
