#!lua flags=allow-oom
-- queue_ack: what a drainer claimed is done with. A drainer that slept past its lease must not remove its successor's claim:
-- the call names holder and number, and does nothing for another.
--
-- KEYS[1] claimed  hash  {s<n>}:changes:claimed | {s<n>}:dirty:claimed
-- KEYS[2] lease    hash  …:lease
-- ARGV    drainer, number of its claim
--
-- returns {"acknowledged"} | {"lost"}: claimed anew since, or acknowledged already
-- errors  BAD_ARG
if not (#KEYS == 2 and #ARGV == 2) then return redis.error_reply('BAD_ARG queue_ack') end
local lease = redis.call('HMGET', KEYS[2], 'holder', 'number')
if lease[1] ~= ARGV[1] or lease[2] ~= ARGV[2] then return { 'lost' } end
redis.call('HSET', KEYS[2], 'holder', '', 'until', '0')
redis.call('UNLINK', KEYS[1])
return { 'acknowledged' }
