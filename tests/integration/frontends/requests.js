// The list of requests, by Node's own client: prints what came as JSON. `node requests.js URL REQUESTS`.
'use strict';
const http = require('http');

const [base, list] = [process.argv[2], JSON.parse(process.argv[3])];
const agent = new http.Agent({keepAlive: true, maxSockets: 1});

function ask(request) {
  return new Promise((resolve, reject) => {
    const headers = {...request.headers};
    const body = request.size === undefined ? undefined : Buffer.alloc(request.size, 'x');
    if (body !== undefined && !request.chunked) headers['Content-Length'] = body.length;
    if (request.chunked) headers['Transfer-Encoding'] = 'chunked';
    if (request.chunked) headers['Trailer'] = 'X-Checksum';
    if (request.expect) headers['Expect'] = '100-continue';
    const sending = http.request(base + request.path, {method: request.method, headers, agent}, (response) => {
      const pieces = [];
      response.on('data', (piece) => pieces.push(piece));
      response.on('error', reject);
      response.on('end', () => {
        const received = Buffer.concat(pieces);
        resolve({status: response.statusCode, headers: response.headers, size: received.length,
                 start: received.subarray(0, 200).toString(), reused: sending.reusedSocket,
                 continued: sending.continued === true});
      });
    });
    sending.on('error', reject);
    const send = () => {
      if (request.chunked) {
        for (let i = 0; i < body.length; i += 10000) sending.write(body.subarray(i, i + 10000));
        sending.addTrailers({'X-Checksum': '1'});
        sending.end();
      } else {
        sending.end(body);
      }
    };
    if (request.expect) {
      sending.on('continue', () => { sending.continued = true; send(); });
      sending.flushHeaders();
    } else {
      send();
    }
  });
}

(async () => {
  const answers = [];
  for (const request of list) answers.push(await ask(request));
  agent.destroy();
  console.log(JSON.stringify(answers));
})().catch((error) => { console.error(error); process.exit(1); });
