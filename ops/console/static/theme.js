// Light or dark, before anything is drawn: what was chosen here, else what the system says.
(() => {
  const chosen = () => {
    try {
      return localStorage.getItem("patrol-theme");
    } catch {
      return null;
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => {
    document.documentElement.dataset.theme = chosen() ?? (dark.matches ? "dark" : "light");
  };
  dark.addEventListener("change", () => {
    apply();
    dispatchEvent(new Event("patrol-theme"));
  });
  apply();
  globalThis.patrolTheme = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("patrol-theme", next);
    } catch {
      /* not kept */
    }
    apply();
    dispatchEvent(new Event("patrol-theme"));
  };
})();
