// Light or dark, before anything is drawn: what was chosen here, else what the system says.
(() => {
  const storedTheme = () => {
    try {
      return localStorage.getItem("patrol-theme");
    } catch {
      return null;
    }
  };
  const prefersDark = matchMedia("(prefers-color-scheme: dark)");
  const applyTheme = () => {
    document.documentElement.dataset.theme = storedTheme() ?? (prefersDark.matches ? "dark" : "light");
  };
  prefersDark.addEventListener("change", () => {
    applyTheme();
    dispatchEvent(new Event("patrol-theme"));
  });
  applyTheme();
  globalThis.patrolToggleTheme = () => {
    const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("patrol-theme", next);
    } catch {
      /* not kept */
    }
    applyTheme();
    dispatchEvent(new Event("patrol-theme"));
  };
})();
