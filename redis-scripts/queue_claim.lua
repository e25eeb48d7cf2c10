#!lua flags=allow-oom
-- queue_claim: moves a queue aside for one drainer; what was claimed before and not acknowledged comes first, unchanged.
--
-- KEYS[1] queue    hash  {s<n>}:changes | {s<n>}:dirty
-- KEYS[2] claimed  hash  …:claimed  what is being drained
-- KEYS[3] lease    hash  …:lease    holder, number (of the claim), until (µs); never expires, so that no number comes twice
-- ARGV[1] drainer  id of the caller
-- ARGV[2] lease_ms how long the caller may be silent
--
-- returns {"claimed", number, size} | {"empty"} | {"leased", holder}
-- errors  BAD_ARG
local lease_ms = tonumber(ARGV[2])
if not (#KEYS == 3 and #ARGV == 2 and lease_ms and lease_ms > 0) or ARGV[1] == '' then
  return redis.error_reply('BAD_ARG queue_claim')
end
local now = redis.call('TIME')
local time = now[1] * 1000000 + now[2]
local lease = redis.call('HMGET', KEYS[3], 'holder', 'number', 'until')
if lease[1] ~= ARGV[1] and tonumber(lease[3] or '0') > time then return { 'leased', lease[1] } end
if redis.call('EXISTS', KEYS[2]) == 0 then
  if redis.call('EXISTS', KEYS[1]) == 0 then return { 'empty' } end
  redis.call('RENAME', KEYS[1], KEYS[2])
end
local number = string.format('%.0f', tonumber(lease[2] or '0') + 1)
redis.call('HSET', KEYS[3], 'holder', ARGV[1], 'number', number, 'until', string.format('%.0f', time + lease_ms * 1000))
return { 'claimed', number, redis.call('HLEN', KEYS[2]) }
