import { loadConfig } from '@campus/platform/process/config'
import { closeOnSignal } from '@campus/platform/process/lifecycle'
import { Config } from './config.ts'
import { buildService } from './service.ts'

const service = buildService(loadConfig(Config, process.env))
closeOnSignal(service)
await service.start()
