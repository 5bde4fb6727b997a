/* Swagger UI on our page; no validator of another site, no browser dialogs of its own. */
(function () {
  "use strict";
  var box = document.getElementById("swagger-ui");
  window.SwaggerUIBundle({
    url: box.dataset.source,
    domNode: box,
    presets: [window.SwaggerUIBundle.presets.apis],
    layout: "BaseLayout",
    validatorUrl: null,
    docExpansion: "none",
    requestInterceptor: function (request) {
      if (request.url.indexOf(window.location.origin) === 0) { request.headers["X-CSRFToken"] = window.ys.token(); }
      return request;
    }
  });
})();
