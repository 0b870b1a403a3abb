// The workloads in Node's http module: node server.js PORT
'use strict';
const fs = require('fs');
const http = require('http');
const path = require('path');

const files = path.join(process.env.TMPDIR || '.', 'files');
const agent = new http.Agent({ keepAlive: true, maxSockets: 128 });

function answer(response, body, type = 'text/html; charset=UTF-8') {
    response.writeHead(200, { 'Server': 'node', 'Content-Type': type, 'Content-Length': Buffer.byteLength(body) });
    response.end(body);
}

function notFound(response) {
    response.writeHead(404, { 'Content-Length': 0 });
    response.end();
}

function sendFile(response, name) {
    const file = path.join(files, path.basename(name));
    fs.stat(file, (error, status) => {
        if (error) return notFound(response);
        response.writeHead(200, { 'Server': 'node', 'Content-Type': 'application/octet-stream', 'Content-Length': status.size });
        fs.createReadStream(file).pipe(response);
    });
}

function relay(response) {
    http.get({ host: '127.0.0.1', port: process.env.BENCH_UPSTREAM, path: '/index', agent }, (upstream) => {
        response.writeHead(upstream.statusCode, {
            'Server': 'node', 'Content-Type': upstream.headers['content-type'], 'Content-Length': upstream.headers['content-length'],
        });
        upstream.pipe(response);
    }).on('error', () => {
        response.writeHead(502, { 'Content-Length': 0 });
        response.end();
    });
}

// By the first segment, as applications without a framework do.
const routes = {
    index: (_, response) => answer(response, 'ok'),
    json: (_, response) => answer(response, JSON.stringify({ message: 'Hello, World!' }), 'application/json'),
    sleep: ([milliseconds], response) => setTimeout(() => answer(response, 'ok'), Number(milliseconds)),
    upstream: (_, response) => relay(response),
    static: ([name], response) => sendFile(response, name),
    users: ([user, , order], response) => answer(response, `${user} ${order}`, 'text/plain; charset=UTF-8'),
};
for (let i = 0; i < 109; ++i) routes[`resource${i}`] = (_, response) => answer(response, `route ${i}`);

const server = http.createServer((request, response) => {
    const [, first, ...rest] = request.url.split('/');
    const route = routes[first];
    if (route) route(rest, response);
    else notFound(response);
});
server.keepAliveTimeout = 3600 * 1000;
server.requestTimeout = 0;
server.listen({ port: Number(process.argv[2]), host: '127.0.0.1', backlog: 4096 });
