import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type ProxyOptions } from 'vite';

// A running server for `npm run dev`: PITLANE_URL=http://127.0.0.1:7080 npm run dev
const server = process.env.PITLANE_URL ?? 'http://127.0.0.1:7080';

/** Pages that this app draws itself; the rest of what browsers open is the server's own. */
const pages = /^\/(apps|jobs|n\/projects|projects|audit|admin|story\/show|epic\/show|dashboard)?(\/|\?|$)/;

const behind: ProxyOptions = {
  target: server,
  changeOrigin: false,
  bypass: (request) => {
    const page = request.method === 'GET' && request.headers.accept?.includes('text/html') && pages.test(request.url ?? '');
    return page ? '/index.html' : undefined;
  },
};

export default defineConfig({
  plugins: [svelte()],
  build: {
    target: 'es2022',
    // light-dark() stays as it is written.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    assetsDir: 'assets',
    // Fonts and icons stay files: the pages' security policy allows no data: addresses for fonts.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: true,
  },
  server: {
    proxy: { '^/(?!src/|node_modules/|@|assets/|index\\.html)': behind },
  },
});
