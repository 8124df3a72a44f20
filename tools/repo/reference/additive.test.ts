import { test } from 'tap'
import { breaks } from './additive.ts'
import type { JsonSchema } from './json-schema.ts'
import { type OpenApi, type OperationObject, openApiFile, readOpenApi } from './open-api.ts'
import { promiseOf } from './released.ts'

const text: JsonSchema = { type: 'string', maxLength: 10 }
const kind: JsonSchema = { anyOf: [{ const: 'a' }, { const: 'b' }] }

function body(schema: JsonSchema): NonNullable<OperationObject['requestBody']> {
  return { required: true, content: { 'application/json': { schema } } }
}

function answer(schema: JsonSchema): OperationObject['responses'] {
  return { 200: { content: { 'application/json': { schema } } }, 404: {} }
}

const request: JsonSchema = {
  type: 'object',
  required: ['name'],
  properties: { name: text, kind, note: text },
  additionalProperties: false,
}
const view: JsonSchema = {
  type: 'object',
  required: ['id'],
  properties: { id: text, tags: { type: 'array', items: { type: 'string' } }, note: text, kind },
}
const post: OperationObject = {
  'x-access': 'user',
  parameters: [{ name: 'q', in: 'query', schema: text }],
  requestBody: body(request),
  responses: answer(view),
}
const get: OperationObject = { responses: answer(view) }
const released: OpenApi = { paths: { '/v1/things': { get, post } } }

function withPost(change: Partial<OperationObject>): OpenApi {
  return { paths: { '/v1/things': { get, post: { ...post, ...change } } } }
}

function withField(schema: JsonSchema, name: string, field: JsonSchema): JsonSchema {
  return { ...schema, properties: { ...schema.properties, [name]: field } }
}

function without(schema: JsonSchema, name: string): JsonSchema {
  const { [name]: _, ...properties } = schema.properties ?? {}
  return { ...schema, properties }
}

const required = (name: string) => [{ name, in: 'query', required: true, schema: text }]

const breaking: Readonly<Record<string, readonly [OpenApi, string]>> = {
  'a read that is gone': [{ paths: { '/v1/things': { post } } }, 'GET /v1/things was removed.'],
  'a write that is gone': [{ paths: { '/v1/things': { get } } }, 'POST /v1/things was removed.'],
  'a query parameter that is gone': [
    withPost({ parameters: [] }),
    'POST /v1/things: query parameter q was removed.',
  ],
  'a query parameter that must be sent now': [
    withPost({ parameters: required('q') }),
    'POST /v1/things: query parameter q was made required.',
  ],
  'a new query parameter that must be sent': [
    withPost({ parameters: [...(post.parameters ?? []), ...required('p')] }),
    'POST /v1/things: query parameter p was added as required.',
  ],
  'a request field that is gone': [
    withPost({ requestBody: body(without(request, 'note')) }),
    'POST /v1/things: request/note was removed.',
  ],
  'a request field that must be sent now': [
    withPost({ requestBody: body({ ...request, required: ['name', 'note'] }) }),
    'POST /v1/things: request/note was made required.',
  ],
  'a new request field that must be sent': [
    withPost({
      requestBody: body({ ...withField(request, 'p', text), required: ['name', 'p'] }),
    }),
    'POST /v1/things: request/p was added as required.',
  ],
  'a value that a request may not hold any more': [
    withPost({ requestBody: body(withField(request, 'kind', { enum: ['a'] })) }),
    'POST /v1/things: request/kind no longer takes "b".',
  ],
  'a request field that takes only some values now': [
    withPost({ requestBody: body(withField(request, 'note', { enum: ['x'] })) }),
    'POST /v1/things: request/note takes only some values now.',
  ],
  'a lower limit of a request': [
    withPost({ requestBody: body(withField(request, 'name', { ...text, maxLength: 5 })) }),
    'POST /v1/things: request/name: maxLength was lowered to 5.',
  ],
  'another type in a request': [
    withPost({ requestBody: body(withField(request, 'note', { type: 'integer' })) }),
    'POST /v1/things: request/note was string and is integer.',
  ],
  'a status that does not come any more': [
    withPost({ responses: { 202: {}, 404: {} } }),
    'POST /v1/things: the answer 200 was removed.',
  ],
  'an answer without a field': [
    withPost({ responses: answer(without(view, 'note')) }),
    'POST /v1/things: answer 200/note was removed.',
  ],
  'an answer that may leave a field out': [
    withPost({ responses: answer({ ...view, required: [] }) }),
    'POST /v1/things: answer 200/id may be absent now.',
  ],
  'another type inside a list of an answer': [
    withPost({
      responses: answer(withField(view, 'tags', { type: 'array', items: { type: 'integer' } })),
    }),
    'POST /v1/things: answer 200/tags/* was string and is integer.',
  ],
  'fewer callers': [
    withPost({ 'x-access': { roles: ['admin'] } }),
    'POST /v1/things: fewer people may call it.',
  ],
}

for (const [name, [present, message]] of Object.entries(breaking)) {
  test(`${name} breaks clients, and is named`, async t => {
    t.same(breaks(released, present), [message])
  })
}

const additive: Readonly<Record<string, OpenApi>> = {
  'the same document': released,
  'a new operation': { paths: { ...released.paths, '/v1/others': { get } } },
  'a new optional field of a request': withPost({
    requestBody: body(withField(request, 'p', text)),
  }),
  'a field that a request may leave out now': withPost({
    requestBody: body({ ...request, required: [] }),
  }),
  'a new value in a request': withPost({
    requestBody: body(withField(request, 'kind', { enum: ['a', 'b', 'c'] })),
  }),
  'a higher limit of a request': withPost({
    requestBody: body(withField(request, 'name', { ...text, maxLength: 20 })),
  }),
  'a new field of an answer': withPost({ responses: answer(withField(view, 'p', text)) }),
  'a new value in an answer': withPost({
    responses: answer(withField(view, 'kind', { enum: ['a', 'b', 'c'] })),
  }),
  'an error that cannot happen any more': withPost({
    responses: { 200: post.responses['200'] ?? {} },
  }),
  'more callers': withPost({ 'x-access': 'public' }),
}

for (const [name, present] of Object.entries(additive)) {
  test(`${name} breaks nobody`, async t => {
    t.same(breaks(released, present), [])
  })
}

test('what a release keeps of a document promises all of it', async t => {
  const document = readOpenApi(openApiFile)
  const kept: OpenApi = JSON.parse(JSON.stringify(promiseOf(document)))
  t.same(breaks(kept, document), [])
  t.same(breaks(document, kept), [])
  t.equal(Object.keys(kept.paths).length, Object.keys(document.paths).length)
})
