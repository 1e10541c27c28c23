import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { constants, gzip } from 'node:zlib';
import { defineConfig } from 'vite';

const compressible = /\.(css|html|js|svg|ttf)$/;

// compress leaves a .gz beside every file that shrinks, so that the server never compresses on a request.
function compress() {
  let outDir;
  return {
    name: 'gatehouse:compress',
    apply: 'build',
    configResolved(config) {
      outDir = config.build.outDir;
    },
    async closeBundle() {
      const entries = await readdir(outDir, { recursive: true, withFileTypes: true });
      const files = entries.filter((e) => e.isFile() && compressible.test(e.name));
      await Promise.all(
        files.map(async (entry) => {
          const path = join(entry.parentPath, entry.name);
          const plain = await readFile(path);
          const packed = await promisify(gzip)(plain, { level: constants.Z_BEST_COMPRESSION });
          if (packed.length < plain.length) {
            await writeFile(`${path}.gz`, packed);
          }
        }),
      );
    },
  };
}

export default defineConfig({
  base: '/playground/',
  plugins: [compress()],
  build: {
    // public/.keep is copied along: the Go package embeds this folder and must find something in a fresh clone.
    outDir: 'dist',
    emptyOutDir: true,
    // No data: URLs for code and fonts, so the Content-Security-Policy can stay at 'self'.
    assetsInlineLimit: 0,
    // The editor alone is larger than the default limit, and it is loaded after the page is drawn.
    chunkSizeWarningLimit: 4096,
    rolldownOptions: {
      // Packages mark files as "use client" for servers that render React; here everything is client.
      onLog(level, log, report) {
        if (log.code !== 'MODULE_LEVEL_DIRECTIVE') report(level, log);
      },
    },
  },
  worker: { format: 'es' },
});
