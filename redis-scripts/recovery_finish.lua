#!lua flags=allow-oom
-- recovery_finish: opens a shard for writing after recovery: the clock above all that was ever given out, then the mark.
--
-- KEYS[1] clock      string  {s<n>}:clock
-- KEYS[2] recovered  string  {s<n>}:recovered
-- KEYS[3] recovery   string  {s<n>}:recovery  lease of the process that recovers
-- ARGV    holder of the lease, master_replid, lowest clock
--
-- returns {"recovered", clock} | {"lost"}: another process holds the lease
-- errors  BAD_ARG
local floor = tonumber(ARGV[3])
if not (#KEYS == 3 and #ARGV == 3 and floor) or ARGV[2] == '' then return redis.error_reply('BAD_ARG recovery_finish') end
if redis.call('GET', KEYS[3]) ~= ARGV[1] then return { 'lost' } end
local clock = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), floor)
redis.call('SET', KEYS[1], string.format('%.0f', clock))
redis.call('SET', KEYS[2], ARGV[2])
redis.call('DEL', KEYS[3])
return { 'recovered', string.format('%.0f', clock) }
