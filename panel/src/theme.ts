// SPDX-License-Identifier: LGPL-2.1-or-later
/** Dark or light, as the person chose in Cockpit's menu. */
const DARK = "pf-v6-theme-dark";
const STYLE = "shell:style";

export function followTheme(): void {
    const system = window.matchMedia("(prefers-color-scheme: dark)");
    const apply = (style: string | null) => {
        const dark = style === "dark" || (style !== "light" && system.matches);
        document.documentElement.classList.toggle(DARK, dark);
    };
    const reread = () => apply(localStorage.getItem(STYLE));
    // From another frame, which may have emptied all, and from the shell in this one.
    window.addEventListener("storage", ({ key }) => (key === STYLE || key === null) && reread());
    window.addEventListener("cockpit-style", (event) => {
        if (event instanceof CustomEvent) apply((event.detail as { style: string }).style);
    });
    system.addEventListener("change", reread);
    reread();
}
