-- Health of InkService, InkResource and InkDomain (group ml.ink) for Argo CD. docs/gitops.md explains how to install it.
-- It reads the conditions as kstatus does, with one addition: a service that its spec scales to zero is Suspended.
local health = { status = "Progressing", message = "Waiting for Ink to observe the newest spec." }

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "The resource is being deleted."
  return health
end
-- A new object has observedGeneration -1 in its status. With another generation, the status describes an older spec.
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

local function reason_and_message(condition)
  if condition.message == nil or condition.message == "" then
    return condition.reason
  end
  return condition.reason .. ": " .. condition.message
end

if is_true("Stalled") then
  return { status = "Degraded", message = reason_and_message(found["Stalled"]) }
end
if is_true("Reconciling") then
  health.message = reason_and_message(found["Reconciling"])
  return health
end
if is_true("Ready") then
  local suspended = found["Ready"].reason == "Suspended"
  return { status = suspended and "Suspended" or "Healthy", message = reason_and_message(found["Ready"]) }
end
if found["Ready"] ~= nil then
  health.message = reason_and_message(found["Ready"])
end
return health
