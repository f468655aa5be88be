import { BearerError, clientSecretBasic, createPhantomTokenClient } from '@phantom-token/core';

const client = createPhantomTokenClient({
  introspectionEndpoint: 'https://login.example.com/oauth/v2/oauth-introspect',
  clientAuth: clientSecretBasic('gateway', 'the secret'),
});

export async function forward(token: string): Promise<Response> {
  try {
    const { authorization } = await client.exchange(token);
    return await fetch('https://api.internal/orders', { headers: { Authorization: authorization } });
  } catch (error) {
    if (error instanceof BearerError) return new Response(null, { status: error.status });
    throw error; // IntrospectionError: nothing is known of the token
  }
}
