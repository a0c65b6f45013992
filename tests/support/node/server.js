// A server made with node's `ws`. What it serves is described in tests/support/peers/program.py.
// Its one argument is JSON: the `perMessageDeflate` option of `ws`.
"use strict";

const http = require("node:http");
const { WebSocketServer } = require("ws");

const SUBPROTOCOLS = ["chat.v2", "chat.v1"];
const MAX_SIZE = 16 * 1024 * 1024;

const ends = new Map();

function end(id) {
  if (!ends.has(id)) {
    const entry = {};
    entry.known = new Promise((resolve) => (entry.enter = resolve));
    ends.set(id, entry);
  }
  return ends.get(id);
}

const wss = new WebSocketServer({
  noServer: true,
  maxPayload: MAX_SIZE,
  perMessageDeflate: JSON.parse(process.argv[2] || "true"),
  handleProtocols: (offered) => SUBPROTOCOLS.find((name) => offered.has(name)) || false,
});

function sendInPieces(ws, data, binary, size) {
  for (let at = 0; at < data.length; at += size) {
    ws.send(data.subarray(at, at + size), { binary, fin: at + size >= data.length });
  }
}

wss.on("connection", async (ws, request) => {
  const url = new URL(request.url, "ws://peer");
  const query = url.searchParams;
  ws.on("error", (error) => console.error(`${request.url}: ${error}`));
  ws.on("close", (code, reason) => {
    if (query.has("id")) end(query.get("id")).enter({ code, reason: reason.toString() });
  });
  switch (url.pathname) {
    case "/stream":
      for (let number = 0; number < Number(query.get("count")); number++) ws.send(String(number));
      ws.close(1000);
      break;
    case "/close":
      ws.close(Number(query.get("code")), query.get("reason") || "");
      break;
    case "/headers":
      ws.send(JSON.stringify(request.headers));
      break;
    case "/journal":
      ws.send(JSON.stringify(await end(query.get("id")).known));
      break;
    case "/pieces":
      ws.on("message", (data, binary) => sendInPieces(ws, data, binary, Number(query.get("size"))));
      break;
    case "/ping":
      ws.on("message", (data) => ws.ping(data));
      ws.on("pong", (data) => ws.send(`pong:${data}`));
      break;
    default:
      ws.on("message", (data, binary) => ws.send(data, { binary }));
  }
});

const server = http.createServer();

server.on("upgrade", (request, socket, head) => {
  const url = new URL(request.url, "ws://peer");
  if (url.pathname !== "/refuse") {
    wss.handleUpgrade(request, socket, head, (ws) => wss.emit("connection", ws, request));
    return;
  }
  const status = Number(url.searchParams.get("status"));
  const body = url.searchParams.get("body") || "";
  const location = url.searchParams.get("location");
  socket.end(
    `HTTP/1.1 ${status} ${http.STATUS_CODES[status]}\r\n` +
      (location ? `Location: ${location}\r\n` : "") +
      `X-Refused-By: peer\r\nConnection: close\r\nContent-Length: ${Buffer.byteLength(body)}\r\n\r\n${body}`,
  );
});

server.listen(0, "127.0.0.1", () => console.log(JSON.stringify({ port: server.address().port })));
process.stdin.on("end", () => process.exit(0)).resume();
