#!lua flags=allow-oom
-- queue_renew: a drainer that is still at work on its claim keeps the lease.
--
-- KEYS[1] lease    hash  {s<n>}:changes:lease | {s<n>}:dirty:lease
-- ARGV    drainer, number of its claim, lease_ms
--
-- returns {"renewed"} | {"lost"}: claimed anew since, or acknowledged
-- errors  BAD_ARG
local lease_ms = tonumber(ARGV[3])
if not (#KEYS == 1 and #ARGV == 3 and lease_ms and lease_ms > 0) then return redis.error_reply('BAD_ARG queue_renew') end
local lease = redis.call('HMGET', KEYS[1], 'holder', 'number')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return { 'lost' } end
local now = redis.call('TIME')
redis.call('HSET', KEYS[1], 'until', string.format('%.0f', now[1] * 1000000 + now[2] + lease_ms * 1000))
return { 'renewed' }
