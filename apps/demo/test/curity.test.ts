import { readFileSync } from 'node:fs';
import { XMLParser, XMLValidator } from 'fast-xml-parser';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { clients } from '../src/authorization-server.js';

const read = (name: string) => readFileSync(new URL(`../curity/${name}`, import.meta.url), 'utf8');

it('has a compose file that mounts the configuration and asks for a licence', () => {
  const { curity } = parse(read('compose.yaml')).services;
  expect(curity.image).toMatch(/^curity\.azurecr\.io\/curity\/idsvr/);
  expect(curity.environment).toMatchObject({ ADMIN: 'true', SERVICE_ROLE: 'default' });
  expect(curity.environment.LICENSE_KEY).toContain('CURITY_LICENSE_KEY');
  expect(curity.ports).toEqual(['127.0.0.1:8443:8443']);
  expect(curity.volumes).toEqual(['./configuration.xml:/opt/idsvr/etc/init/demo.xml:ro']);
});

it('has a configuration with the clients and paths of the story', () => {
  const xml = read('configuration.xml');
  expect(XMLValidator.validate(xml)).toBe(true);
  const { environments, profiles } = new XMLParser().parse(xml).config;
  const { settings, endpoints } = profiles.profile;
  const [app, gateway] = settings['authorization-server']['client-store']['config-backed'].client;
  expect(app).toMatchObject({ id: clients.app.id, secret: clients.app.secret, scope: ['read', 'write'] });
  expect(gateway).toMatchObject({ id: clients.gateway.id, secret: clients.gateway.secret });
  expect([Object.keys(app.capabilities), Object.keys(gateway.capabilities)]).toEqual([
    ['client-credentials'],
    ['introspection'],
  ]);
  const uris = endpoints.endpoint.map(({ uri }: { uri: string }) => uri);
  expect(uris).toEqual(
    ['token', 'introspect', 'revoke', 'anonymous'].map((kind) => `/oauth/v2/oauth-${kind}`),
  );
  const ids = endpoints.endpoint.map(({ id }: { id: string }) => id);
  expect(environments.environment.services['service-role'].endpoints).toEqual(ids);
});
