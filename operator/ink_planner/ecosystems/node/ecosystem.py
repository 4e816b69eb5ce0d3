"""Node in one record."""

from ink_planner.ecosystems.node.plan import detect
from ink_planner.model.base_images import DEFAULT_KEY, same
from ink_planner.model.ecosystem import Documentation, Ecosystem, Signs

NODE = Ecosystem(
    name="Node",
    detect=detect,
    base_images={"node": {DEFAULT_KEY: "22", **same("node:{v}-slim", "16", "18", "20", "22", "24")}},
    signs=Signs(("package.json",), ("server.js",)),
    examples=("package.json",),
    also_checked=("package-lock.json", "yarn.lock", "pnpm-lock.yaml", "bun.lock"),
    documentation=Documentation(
        "`package.json`, `server.js`",
        "npm, pnpm, yarn 1 and later, bun; workspaces, Nx",
        "framework (Next, Nuxt, SvelteKit, Astro, Remix, React Router, TanStack Start, Nest, AdonisJS, Medusa), `start`"
        " script, `main`, usual file names; sites (Vite, Create React App, Angular, Vue CLI, webpack, Parcel, Ember,"
        " Gatsby, Docusaurus, VitePress, Eleventy, Hexo) are served as files",
    ),
)
