/**
 * Serves a page that classifies in the browser, with no build: an import map names the two modules that it loads.
 *
 *     node examples/web/serve.mjs runs/spam/model.onnx [port]
 */
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname } from 'node:path';

const [model, port = '8080'] = process.argv.slice(2);
if (model === undefined) {
  console.error('Which model? node examples/web/serve.mjs runs/spam/model.onnx');
  process.exit(2);
}

const page = new URL('./', import.meta.url);
const web = import.meta.resolve('recurrent-onnx/web');
const onnxruntime = import.meta.resolve('onnxruntime-web/wasm');

/** Nothing else is served. */
const files = {
  '/': new URL('index.html', page),
  '/page.css': new URL('page.css', page),
  '/page.js': new URL('page.js', page),
  '/model.onnx': model,
  '/recurrent-onnx/index.js': new URL(web),
  '/onnxruntime-web/ort.wasm.bundle.min.mjs': new URL(onnxruntime),
  '/onnxruntime-web/ort-wasm-simd-threaded.wasm': new URL('ort-wasm-simd-threaded.wasm', onnxruntime),
};

const types = {
  '/': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.mjs': 'text/javascript; charset=utf-8',
  '.wasm': 'application/wasm',
  '.onnx': 'application/octet-stream',
};

/** The browser itself refuses whatever is not from here, and eval; WebAssembly is allowed. */
const importMap = /<script type="importmap">([\s\S]*?)<\/script>/.exec(await readFile(files['/'], 'utf8'))?.[1] ?? '';
const digest = createHash('sha256').update(importMap).digest('base64');
const policy = `default-src 'self'; script-src 'self' 'wasm-unsafe-eval' 'sha256-${digest}'; img-src data:`;

const server = createServer(async (request, response) => {
  const file = files[request.url];
  if (request.method !== 'GET' || file === undefined) return response.writeHead(404).end();
  try {
    const body = await readFile(file);
    const headers = { 'content-type': types[extname(request.url) || '/'], 'content-security-policy': policy };
    response.writeHead(200, headers).end(body);
  } catch (error) {
    console.error(error.message);
    response.writeHead(500).end();
  }
});
server.listen(Number(port), '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}/`));
