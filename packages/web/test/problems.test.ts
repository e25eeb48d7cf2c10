import { beforeEach, expect, test, vi } from 'vitest'
import { Problem } from '../public/api.js'
import { fieldErrors, told } from '../public/problems.js'

beforeEach(() => void vi.stubGlobal('document', { documentElement: { lang: 'ko' } }))

test('a field error of the server stands at its field in the reader’s language', () => {
  const errors = [
    { path: 'name', message: 'must NOT have fewer than 1 characters' },
    { path: 'tags.3', message: 'must NOT have more than 64 characters' },
    { path: 'max', message: 'must be integer' },
    { path: 'id', message: 'must match pattern "^[a-z]"' },
    { path: 'newPassword', message: 'is one of those that are tried first' },
    { path: 'password', message: 'must not contain the username' },
    { path: 'again', message: 'must be at least 10 characters long' },
  ]
  expect(fieldErrors(new Problem({ status: 400, errors }))).toEqual({
    name: '필수 항목입니다.',
    tags: '64자 이하로 입력하세요.',
    max: '정수를 입력하세요.',
    id: '소문자, 숫자, . _ : - 만 쓸 수 있고 글자나 숫자로 시작해야 합니다.',
    newPassword: '널리 알려졌거나 추측하기 쉬운 비밀번호입니다.',
    password: '비밀번호에 사용자 이름을 넣을 수 없습니다.',
    again: '10자 이상 입력하세요.',
  })
})

test('a refusal says what went wrong and what to do; an unknown one is ours', () => {
  const document = { type: 'urn:count:problem:unavailable', status: 503 }
  expect(told(new Problem(document))).toEqual({
    title: '저장소가 잠시 응답하지 않습니다.',
    advice: '곧 돌아옵니다. 다시 시도하세요.',
  })
  expect(told(new TypeError('x')).title).toBe('서버에서 오류가 발생했습니다.')
})
