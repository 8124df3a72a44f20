import { test } from 'tap'
import { Type } from 'typebox'
import {
  ConfigError,
  configTable,
  describeConfig,
  loadConfig,
  Secret,
  ServiceConfig,
} from './config.ts'

const Config = Type.Object({
  DAYS: Type.Integer({ minimum: 1, maximum: 365, default: 30, description: 'Days | more' }),
  RATIO: Type.Optional(Type.Number()),
  IS_OPEN: Type.Boolean({ default: false }),
  LEVEL: Type.Union([Type.Literal('low'), Type.Literal('high')], { default: 'low' }),
  TOKEN_SECRET: Secret({ description: 'Signs things' }),
})
const secret = 'sixteen characters at least'

test('text becomes integer, number and boolean; empty and absent become the default', t => {
  const config = loadConfig(Config, {
    DAYS: '7',
    RATIO: '0.5',
    IS_OPEN: 'true',
    LEVEL: '',
    TOKEN_SECRET: secret,
  })
  t.same(config, { DAYS: 7, RATIO: 0.5, IS_OPEN: true, LEVEL: 'low', TOKEN_SECRET: secret })
  t.ok(Object.isFrozen(config))
  t.same(loadConfig(Config, { TOKEN_SECRET: secret }), {
    DAYS: 30,
    IS_OPEN: false,
    LEVEL: 'low',
    TOKEN_SECRET: secret,
  })
  t.end()
})

test('every problem is listed at once, with what is expected and without any value', t => {
  try {
    loadConfig(Config, {
      DAYS: '1e2',
      RATIO: 'x',
      IS_OPEN: 'yes',
      LEVEL: 'no',
      TOKEN_SECRET: 'hush',
    })
    t.fail('it loads')
  } catch (error) {
    t.type(error, ConfigError)
    t.equal(error instanceof ConfigError ? error.problems.length : 0, 5)
    const text = String(error)
    t.match(text, /DAYS is wrong: integer ≥ 1 ≤ 365/)
    t.match(text, /LEVEL is wrong: low, high/)
    t.match(text, /TOKEN_SECRET is wrong: string characters ≥ 16/)
    t.notMatch(text, /hush|yes|1e2/)
  }
  t.end()
})

test('a secret has no default', t => {
  t.throws(() => loadConfig(Config, {}), { message: /TOKEN_SECRET is missing/ })
  t.end()
})

test('NAME_FILE names the file of a secret', t => {
  const folder = t.testdir({ secret: `${secret}\n`, days: '1' })
  const config = loadConfig(Config, { TOKEN_SECRET_FILE: `${folder}/secret`, DAYS_FILE: 'ignored' })
  t.equal(config.TOKEN_SECRET, secret)
  t.throws(() => loadConfig(Config, { TOKEN_SECRET_FILE: `${folder}/none` }), {
    message: /TOKEN_SECRET_FILE names a file that cannot be read/,
  })
  t.end()
})

test('the README table names type, default and meaning of every variable, and no default of a secret', t => {
  t.equal(
    configTable(Config),
    [
      '| variable | type | default | meaning |',
      '| --- | --- | --- | --- |',
      '| `DAYS` | integer | 30 | Days \\| more |',
      '| `RATIO` | number | optional |  |',
      '| `IS_OPEN` | boolean | false |  |',
      '| `LEVEL` | low, high | "low" |  |',
      '| `TOKEN_SECRET` | string | required, secret | Signs things |',
    ].join('\n'),
  )
  t.end()
})

test('every variable of a service is documented', t => {
  for (const { name, description } of describeConfig(ServiceConfig)) t.not(description, '', name)
  t.end()
})
