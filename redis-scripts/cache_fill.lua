#!lua
-- cache_fill: keeps what was read from the stores, unless the cache knows of something newer: a slow reader can never put
-- an old value back. Written is only what is at least as new as entry and tombstone and was looked for in the last 5 s.
--
-- KEYS, three for each count, in turn:
--   info    hash    {c:<id>}:info    r revision, a when it was read (ms), j JSON, f fence: revision, u until when (ms); a day
--   value   string  {c:<id>}:value   "<version> <created> <value> <read_ms>"; 30 s from its reading; tombstone: "<version>"
--   result  string  {c:<id>}:result  "<version>.<revision> <json>"; 30 s from the older of both readings
-- ARGV, nine for each count, in turn:
--   looked     the cache's time (ms) when it was asked, before the stores were
--   revision   of the info; info_read: the cache's time (ms) before it was read; info: JSON, '' when it came from here
--   version    of the value; value_read: as info_read; created, value: '' when they came from here
--   result     JSON, '' for none
--
-- returns for each count the levels written, e.g. {"info value result", "info", "", "late"}; "late": looked too long ago
-- errors  BAD_ARG
local counts = #KEYS / 3
if counts < 1 or counts % 1 ~= 0 or #ARGV ~= 9 * counts then return redis.error_reply('BAD_ARG cache_fill') end
for i = 1, #ARGV, 9 do
  for n = 0, 5 do
    if n ~= 3 and not tonumber(ARGV[i + n]) then return redis.error_reply('BAD_ARG cache_fill') end
  end
end

local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local function left(read)
  return math.min(30000, tonumber(read) + 30000 - now)
end

local reply = {}
for n = 1, counts do
  local info_key, value_key, result_key = KEYS[3 * n - 2], KEYS[3 * n - 1], KEYS[3 * n]
  local looked, revision, info_read, info, version, value_read, created, value, result = unpack(ARGV, 9 * n - 8, 9 * n)
  local known = redis.call('HMGET', info_key, 'r', 'f', 'u')
  local info_fence = math.max(tonumber(known[1] or '0'), tonumber(known[3] or '0') > now and tonumber(known[2]) or 0)
  local value_fence = tonumber(string.match(redis.call('GET', value_key) or '0', '^%d+'))
  local had_version, had_revision = string.match(redis.call('GETRANGE', result_key, 0, 40), '^(%d+)%.(%d+) ')
  local new_info, new_value = tonumber(revision) >= info_fence, tonumber(version) >= value_fence
  local new_result = new_info and new_value
    and tonumber(version) >= tonumber(had_version or '0') and tonumber(revision) >= tonumber(had_revision or '0')

  local written = {}
  if now - looked > 5000 then
    written[1] = 'late'
  else
    if info ~= '' and new_info then
      redis.call('HSET', info_key, 'r', revision, 'a', info_read, 'j', info)
      redis.call('PEXPIRE', info_key, 86400000)
      written[#written + 1] = 'info'
    end
    if value ~= '' and new_value and left(value_read) > 0 then
      local entry = table.concat({ version, created, value, value_read }, ' ')
      redis.call('SET', value_key, entry, 'PX', left(value_read))
      written[#written + 1] = 'value'
    end
    local life = math.min(left(info_read), left(value_read))
    if result ~= '' and new_result and life > 0 then
      redis.call('SET', result_key, version .. '.' .. revision .. ' ' .. result, 'PX', life)
      written[#written + 1] = 'result'
    end
  end
  reply[n] = table.concat(written, ' ')
end
return reply
