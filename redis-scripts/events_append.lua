#!lua
-- events_append: puts events at the end of the bus's stream, all or none: a full store must not take the second event of a
-- count and refuse its first.
--
-- KEYS[1] stream  stream  {s0}:events  one field, `event`
-- ARGV[1] length  entries that the stream keeps, give or take a node of a hundred
-- ARGV[2…]        events, JSON
--
-- returns {"appended", id of the last}
-- errors  BAD_ARG
local length = tonumber(ARGV[1])
if #KEYS ~= 1 or #ARGV < 2 or not length or length < 1 then return redis.error_reply('BAD_ARG events_append') end
local id
for i = 2, #ARGV do id = redis.call('XADD', KEYS[1], 'MAXLEN', '~', ARGV[1], '*', 'event', ARGV[i]) end
return { 'appended', id }
