import { createServer } from 'node:http';
import { createForwarder } from '@phantom-token/proxy';

const forward = createForwarder({ upstream: 'http://127.0.0.1:4000/v1' });

const server = createServer((request, response) => forward(request, response));
server.on('checkContinue', (request, response) => forward(request, response));
server.on('upgrade', (request, socket, head) => forward.upgrade(request, socket, head));
server.listen(3000);
