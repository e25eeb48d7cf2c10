-- Makes the records of many counts as count_create does, without queueing them for the archive.
-- KEYS[1] clock, KEYS[2] revision, KEYS[3…] records; ARGV[i] revision at creation of the i-th record, rising
local now = redis.call('TIME')
local version = math.max(tonumber(redis.call('GET', KEYS[1]) or '0'), now[1] * 1000000 + now[2])
for i = 3, #KEYS do
  version = version + 1
  local revision = ARGV[i - 2]
  redis.call('HSET', KEYS[i], 'v', '0', 't', string.format('%.0f', version), 'l', '', 'u', '', 's', 'a', 'r', revision, 'c', revision)
end
redis.call('SET', KEYS[1], string.format('%.0f', version))
if tonumber(ARGV[#ARGV]) > tonumber(redis.call('GET', KEYS[2]) or '0') then redis.call('SET', KEYS[2], ARGV[#ARGV]) end
