/**
 * An HTTP service that flags spam comments.
 *
 *     MODEL=model.onnx PORT=8080 node server.mjs
 *     curl -s localhost:8080/comments -d '{"comments": ["Great article, thanks!", "WIN a free phone, click here"]}'
 */
import { createServer } from 'node:http';
import { loadClassifier } from 'recurrent-onnx/runtime';

const { MODEL = 'model.onnx', PORT = '8080', THRESHOLD = '0.5' } = process.env;
const limits = { bytes: 100_000, comments: 100 };
const threshold = Number(THRESHOLD);

/** @param {number} status @param {string} message */
const refusal = (status, message) => Object.assign(new Error(message), { status });

const classifier = await loadClassifier(MODEL);
if (!classifier.labels.includes('spam')) throw new Error(`${MODEL} knows no label spam`);

/** @param {string[]} comments */
async function flag(comments) {
  const predictions = await classifier.predictBatch(comments);
  return predictions.map(({ scores, knownWords }) => ({
    spam: scores.spam,
    // Of a text without a known word the model knows nothing.
    verdict: knownWords === 0 ? 'unsure' : scores.spam >= threshold ? 'spam' : 'ok',
  }));
}

/** @param {import('node:http').IncomingMessage} request */
async function readComments(request) {
  const chunks = [];
  let size = 0;
  for await (const chunk of request) {
    size += chunk.length;
    if (size > limits.bytes) throw refusal(413, `more than ${limits.bytes} bytes`);
    chunks.push(chunk);
  }
  let body;
  try {
    body = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks)));
  } catch {
    throw refusal(400, 'the body is no JSON in UTF-8');
  }
  const { comments } = body ?? {};
  const wellFormed = Array.isArray(comments) && comments.every((comment) => typeof comment === 'string');
  if (!wellFormed || comments.length === 0 || comments.length > limits.comments) {
    throw refusal(400, `give {"comments": [...]} with 1 to ${limits.comments} strings`);
  }
  return comments;
}

/** @param {import('node:http').IncomingMessage} request */
async function answer(request) {
  const { pathname } = new URL(request.url ?? '/', 'http://localhost');
  if (pathname === '/health') return { ready: true };
  if (pathname !== '/comments') throw refusal(404, 'there is POST /comments and GET /health');
  if (request.method !== 'POST') throw refusal(405, 'comments are sent by POST');
  return { results: await flag(await readComments(request)) };
}

const server = createServer(async (request, response) => {
  const send = (status, body) => {
    const close = status === 413 || stopping ? { connection: 'close' } : {};
    response.writeHead(status, { 'content-type': 'application/json', ...close }).end(`${JSON.stringify(body)}\n`);
  };
  try {
    send(200, await answer(request));
  } catch (error) {
    if (!error.status) console.error(error);
    send(error.status ?? 500, { error: error.status ? error.message : 'internal error' });
  }
});

let stopping = false;

/** No new connections; requests that are there are answered. */
async function stop() {
  if (stopping) return;
  stopping = true;
  await new Promise((resolve) => {
    server.close(resolve);
    server.closeIdleConnections();
  });
  await classifier.dispose();
}
process.on('SIGTERM', stop);
process.on('SIGINT', stop);

server.listen(Number(PORT), '127.0.0.1', () => {
  console.log(`http://127.0.0.1:${server.address().port}`);
});
