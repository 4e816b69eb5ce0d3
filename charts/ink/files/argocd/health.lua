-- Health of InkService, InkResource and InkDomain (group ml.ink) for Argo CD. docs/gitops.md shows how to install it.
-- It reads the conditions like kstatus does, with one addition: a service that is suspended by its spec is Suspended.
local health = { status = "Progressing", message = "Waiting for Ink to observe the newest spec." }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted."
  return health
end
-- A new object has generation -1 in its status; any other mismatch means that the status is about an older spec.
if obj.status == nil or obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local found = {}
for _, condition in ipairs(obj.status.conditions or {}) do
  found[condition.type] = condition
end

local function is_true(type)
  return found[type] ~= nil and found[type].status == "True"
end

local function reason_of(condition)
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

if is_true("Stalled") then
  return { status = "Degraded", message = reason_of(found["Stalled"]) }
end
if is_true("Reconciling") then
  health.message = reason_of(found["Reconciling"])
  return health
end
if is_true("Ready") then
  local suspended = found["Ready"].reason == "Suspended"
  return { status = suspended and "Suspended" or "Healthy", message = reason_of(found["Ready"]) }
end
if found["Ready"] ~= nil then
  health.message = reason_of(found["Ready"])
end
return health
