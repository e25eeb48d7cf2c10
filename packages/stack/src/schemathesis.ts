import { join } from 'node:path'
import { pythonPackage } from './python-package.ts'

/** The path of schemathesis, which fuzzes an API by its OpenAPI document: installed at the first call, in about 20 s. */
export const findSchemathesis = async (): Promise<string> =>
  join(await pythonPackage('schemathesis', '4.32.5'), 'bin/schemathesis')
