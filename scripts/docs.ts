// `npm run docs`: writes everything that is generated from the schemas.
await import('./openapi.ts')
await import('./config-reference.ts')
await import('./reasons-reference.ts')
await import('./problems-reference.ts')
await import('./cli-reference.ts')
await import('./metrics-reference.ts')
