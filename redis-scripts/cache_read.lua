#!lua flags=no-writes
-- cache_read: info and value of counts as the cache holds them, with its fences and its time: what a later fill needs.
--
-- KEYS, two for each count, in turn:
--   info    hash    {c:<id>}:info   r revision, a when it was read (ms), j JSON, f fence: revision, u until when (ms)
--   value   string  {c:<id>}:value  "<version> <created> <value> <read_ms>", or a tombstone: "<version>"
--
-- returns {now_ms, {revision, read_ms, json, fence}, value, {…}, value, …}; what there is not is nil
-- errors  BAD_ARG
if #KEYS == 0 or #KEYS % 2 ~= 0 then return redis.error_reply('BAD_ARG cache_read') end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local reply = { now }
for i = 1, #KEYS, 2 do
  local info = redis.call('HMGET', KEYS[i], 'r', 'a', 'j', 'f', 'u')
  local fenced = info[5] and tonumber(info[5]) > now
  reply[#reply + 1] = { info[1], info[2], info[3], fenced and info[4] }
  reply[#reply + 1] = redis.call('GET', KEYS[i + 1])
end
return reply
