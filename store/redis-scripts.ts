/**
 * What happens in Redis in one step: Lua, run while nobody else is served. Every key of ours stands in one slot
 * (`{tidegate}`), so that they work in a cluster as well.
 */

/**
 * Changes documents, all or none.
 * KEYS: counter of versions, set of kinds, then the hash of each change's kind.
 * ARGV: JSON `[{"kind", "id", "expected"?, "drop"?, "body"?}]`; `expected` -1: there must be none.
 */
export const CHANGE_DOCUMENTS = `
local changes = cjson.decode(ARGV[1])
for i, change in ipairs(changes) do
  if change.expected ~= nil then
    local kept = redis.call('HGET', KEYS[i + 2], change.id)
    local found = -1
    if kept then found = tonumber(string.match(kept, '^(%d+):')) end
    if found ~= change.expected then return {'conflict', tostring(i - 1), tostring(found)} end
  end
end
local answer = {'done'}
for i, change in ipairs(changes) do
  local key = KEYS[i + 2]
  if change.drop then
    redis.call('HDEL', key, change.id)
    if redis.call('HLEN', key) == 0 then redis.call('SREM', KEYS[2], change.kind) end
    answer[i + 1] = '0'
  else
    local version = redis.call('INCR', KEYS[1])
    redis.call('HSET', key, change.id, string.format('%d', version) .. ':' .. change.body)
    redis.call('SADD', KEYS[2], change.kind)
    answer[i + 1] = string.format('%d', version)
  end
end
return answer`;

/** KEYS: lease, counter of fences. ARGV: holder, until, now, ms after which a lapsed one is forgotten. */
export const ACQUIRE_LEASE = `
local holder, till, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'until', 'fence'))
if not holder or tonumber(till) <= tonumber(ARGV[3]) then
  fence = string.format('%d', redis.call('INCR', KEYS[2]))
elseif holder ~= ARGV[1] then
  return false
end
redis.call('HSET', KEYS[1], 'holder', ARGV[1], 'until', ARGV[2], 'fence', fence)
redis.call('PEXPIRE', KEYS[1], ARGV[4])
return fence`;

/**
 * Adds events that come after the last one: ids rise, and what was added already is left out.
 * KEYS: the list. ARGV: how many are kept, then id and text of each.
 */
export const APPEND_EVENTS = `
local last = redis.call('LINDEX', KEYS[1], -1)
local after = ''
if last then after = cjson.decode(last).id end
for i = 2, #ARGV, 2 do
  if ARGV[i] > after then redis.call('RPUSH', KEYS[1], ARGV[i + 1]) end
end
redis.call('LTRIM', KEYS[1], -tonumber(ARGV[1]), -1)
return 1`;

/** Holds the store, by the clock of the server. KEYS: the hold. ARGV: holder, ms. */
export const TAKE_HOLD = `
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then return 0 end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1`;

/** KEYS: the hold. ARGV: holder. */
export const LET_GO = `
if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end
return 1`;

/** KEYS: lease. ARGV: holder, fence. */
export const RELEASE_LEASE = `
local holder, fence = unpack(redis.call('HMGET', KEYS[1], 'holder', 'fence'))
if holder == ARGV[1] and fence == ARGV[2] then redis.call('DEL', KEYS[1]) end
return 1`;

/** Takes a certificate out of every index. ARGV[1] is the prefix of all keys, ARGV[2] the id. */
const FORGET = `
local rows, index, all = KEYS[1], KEYS[2], KEYS[3]
local prefix, id = ARGV[1], ARGV[2]
local kept = redis.call('HGET', index, id)
if kept then
  local before = cjson.decode(kept)
  for _, name in ipairs(before.names) do redis.call('ZREM', prefix .. 'certificate-name:' .. name, id) end
  redis.call('ZREM', prefix .. 'certificates-of:' .. before.tenant, id)
  redis.call('ZREM', all, id)
  redis.call('HDEL', index, id)
  redis.call('HDEL', rows, id)
end`;

/** KEYS: rows, index, all of them. ARGV: prefix, id. */
export const DROP_CERTIFICATE = `${FORGET}
return 1`;

/**
 * KEYS: rows, index, all of them, the lease it is written under (or one that there is not).
 * ARGV: prefix, id, row, JSON `{"names", "tenant"}`, time of its making; then holder, fence and now, if there is a lease.
 */
export const PUT_CERTIFICATE = `
if ARGV[6] then
  local holder, fence, till = unpack(redis.call('HMGET', KEYS[4], 'holder', 'fence', 'until'))
  if holder ~= ARGV[6] or fence ~= ARGV[7] or tonumber(till) <= tonumber(ARGV[8]) then return 'conflict' end
end
${FORGET}
local said = cjson.decode(ARGV[4])
redis.call('HSET', rows, id, ARGV[3])
redis.call('HSET', index, id, ARGV[4])
redis.call('ZADD', all, 0, id)
redis.call('ZADD', prefix .. 'certificates-of:' .. said.tenant, 0, id)
for _, name in ipairs(said.names) do redis.call('ZADD', prefix .. 'certificate-name:' .. name, ARGV[5], id) end
return 'done'`;
