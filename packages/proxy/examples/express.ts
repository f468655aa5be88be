import { createForwarder } from '@phantom-token/proxy';
import express from 'express';

const forward = createForwarder({ upstream: 'http://127.0.0.1:4000' });

const app = express();
app.use('/api', (request, response) => {
  // within /api, Express takes that away from url
  forward(request, response, { target: request.originalUrl });
});
app.listen(3000);
