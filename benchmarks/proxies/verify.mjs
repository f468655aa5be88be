import { token } from './authorization-server.mjs';

const statusOf = async (port, bearer) => {
  const response = await fetch(`http://127.0.0.1:${port}/api/orders`, {
    headers: { Authorization: `Bearer ${bearer}` },
  });
  await response.arrayBuffer();
  return response.status;
};

/** Sees to it that a subject does its work before it is measured. */
export async function verify({ name, refuses }, port) {
  const known = await statusOf(port, token);
  if (known !== 200) throw new Error(`${name} answered ${known} instead of 200`);
  if (!refuses) return;
  const unknown = await statusOf(port, 'FJr1zCsicMWpAA2YotnFZE');
  if (unknown !== 401) throw new Error(`${name} answered an unknown token with ${unknown} instead of 401`);
}
