#!lua
-- cache_invalidate: tells the cache that counts have changed: older results and values go, and for 60 s nothing older is
-- taken back. An older info stays readable for when CountInfoDB is away, but below its fence.
--
-- KEYS, three for each count, in turn:
--   info    hash    {c:<id>}:info    r revision, a, j, f fence: revision, u until when (ms)
--   value   string  {c:<id>}:value   "<version> …", or the tombstone "<version>"
--   result  string  {c:<id>}:result  "<version>.<revision> <json>"
-- ARGV, two for each count, in turn:
--   version   that the value has now, '' when the value has not changed
--   revision  that the info has now, '' when the info has not changed
--
-- returns {"invalidated", dropped}: how many entries went or were fenced off; repeating it drops nothing
-- errors  BAD_ARG
local counts = #KEYS / 3
if counts < 1 or counts % 1 ~= 0 or #ARGV ~= 2 * counts then return redis.error_reply('BAD_ARG cache_invalidate') end
for i = 1, #ARGV do
  if ARGV[i] ~= '' and not tonumber(ARGV[i]) then return redis.error_reply('BAD_ARG cache_invalidate') end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local dropped = 0
for n = 1, counts do
  local info_key, value_key, result_key = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local version, revision = tonumber(ARGV[2 * n - 1]), tonumber(ARGV[2 * n])
  if version then
    local held = tonumber(string.match(redis.call('GET', value_key) or '', '^%d+'))
    if not held or held < version then
      redis.call('SET', value_key, ARGV[2 * n - 1], 'PX', 60000)
      if held then dropped = dropped + 1 end
    end
  end
  if revision then
    local known = redis.call('HMGET', info_key, 'r', 'f', 'u')
    local fence = tonumber(known[3] or '0') > now and tonumber(known[2]) or 0
    if math.max(tonumber(known[1] or '0'), fence) < revision then
      redis.call('HSET', info_key, 'f', ARGV[2 * n], 'u', string.format('%.0f', now + 60000))
      if redis.call('PTTL', info_key) < 60000 then redis.call('PEXPIRE', info_key, 60000) end
      if known[1] then dropped = dropped + 1 end
    end
  end
  local had_version, had_revision = string.match(redis.call('GETRANGE', result_key, 0, 40), '^(%d+)%.(%d+) ')
  if had_version and (tonumber(had_version) < (version or 0) or tonumber(had_revision) < (revision or 0)) then
    redis.call('DEL', result_key)
    dropped = dropped + 1
  end
end
return { 'invalidated', dropped }
