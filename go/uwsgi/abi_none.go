//go:build !cgo && !gccgo

package uwsgi

// Without cgo no server can load the program, nor be in it, so Run serves plain
// net/http and none of the functions below is ever called.

// aloneBecause is what else there is to say when there is no server around.
const aloneBecause = " (built without cgo, CGO_ENABLED=0: no server can be in it or load it)"

func abiArgs() string                              { return "" }
func abiEnv() string                               { return "" }
func abiPresent() bool                             { return false }
func abiVersion() uint32                           { return 0 }
func abiWorkerID() uint32                          { return 0 }
func abiRole() uint32                              { return roleNobody }
func abiNumber() uint32                            { return 0 }
func abiCores() uint32                             { return 0 }
func abiRun() int64                                { return errEnded }
func abiAlarm() int64                              { return errEnded }
func abiEvents() int64                             { return errEnded }
func abiKick()                                     {}
func abiStacksTold()                               {}
func abiLocalAddress(uint32, []byte) int64         { return errEnded }
func abiNext(uint32, uint32, *event) uint32        { return evNothing }
func abiRespond(uint64, int, []byte, []byte) int64 { return errEnded }
func abiStart(uint64, int, []byte) int64           { return errEnded }
func abiWrite(uint64, []byte) int64                { return errEnded }
func abiRead(uint64, []byte) int64                 { return errEnded }
func abiFlush(uint64) int64                        { return errEnded }
func abiInterim(uint64, int, []byte) int64         { return errEnded }
func abiSendFile(uint64, uintptr, int64) int64     { return errEnded }
func abiFinish(uint64, []byte) int64               { return errEnded }
func abiUnread(uint64, []byte) int64               { return errEnded }
func abiHijack(uint64) int64                       { return errEnded }
func abiTrailers(uint64, []byte) int64             { return errEnded }
func abiAbort(uint64) int64                        { return errEnded }
func abiHarakiri(uint64, uint64) int64             { return errEnded }

func abiCacheFind(string) int64                                { return errMissing }
func abiCacheLongest(uint32, uint32) int64                     { return errMissing }
func abiCacheGet(uint32, string, []byte) int64                 { return errMissing }
func abiCachePut(uint32, string, []byte, uint64, uint32) int64 { return errMissing }
func abiCacheAdd(uint32, string, int64, uint64, *int64) int64  { return errMissing }
func abiCacheDelete(uint32, string) int64                      { return errMissing }
func abiCacheTTL(uint32, string) int64                         { return errMissing }
func abiCacheClear(uint32) int64                               { return errMissing }
func abiCacheKeys(uint32, uint32, []byte) int64                { return errMissing }
func abiLock(uint32) int64                                     { return errMissing }
func abiUnlock(uint32) int64                                   { return errMissing }
func abiLocks() int64                                          { return errMissing }
func abiMetric(string, uint32) int64                           { return errMissing }
func abiMetricAdd(uint32, int64)                               {}
func abiMetricSet(uint32, int64)                               {}
func abiMetricValue(uint32) int64                              { return 0 }
func abiOnceBegin(string) int64                                { return errMissing }
func abiOnceEnd(string, uint32) int64                          { return errMissing }
func abiServerVersion() string                                 { return "" }
func abiOptions() string                                       { return "" }
func abiPanicked()                                             {}
func abiReload() int64                                         { return errEnded }
func abiStop() int64                                           { return errEnded }
func abiWorkers([]workerLine) int64                            { return errEnded }
func abiLog(string)                                            {}
func abiRaiseAlarm(string, string) int64                       { return errEnded }

func abiPost() int64                                                    { return errMissing }
func abiPostNext() uint32                                               { return postNothing }
func abiSignalNext() int64                                              { return errMissing }
func abiSignalRaise(uint32) int64                                       { return errMissing }
func abiSignalRegistered(uint32) int64                                  { return errMissing }
func abiSignalRegister(uint32, string, []byte) int64                    { return errMissing }
func abiSignalAllot(string, string, []byte) int64                       { return errMissing }
func abiSignalAdd(uint32, uint32, uint64, uint32, string, []byte) int64 { return errMissing }

func abiSend(string, []byte) int64 { return errMissing }
func abiMessages() int64           { return errMissing }
func abiMessage([]byte) int64      { return errEnded }
func abiCall(string) int64         { return errMissing }
func abiCalls() int64              { return errMissing }
func abiNextCall() int64           { return errEnded }
func abiWorkBegins() int64         { return errEnded }
func abiWorkEnded()                {}

func abiSpoolPut([]byte, []byte) int64 { return errMissing }
func abiSpool() int64                  { return errMissing }
func abiSpoolNotice(*uint64) int64     { return errMissing }
func abiSpoolNext(*task) int64         { return errEnded }
func abiSpoolEnd(uint32, string) int64 { return errEnded }

func abiRemoteLines(uint32) int64                                              { return errMissing }
func abiRemotePatience(uint32) int64                                           { return errMissing }
func abiRemoteLine(uint32, uint32) int64                                       { return errMissing }
func abiRemoteLongest(uint32, uint32) int64                                    { return errMissing }
func abiRemoteNear(uint32, string, []byte) int64                               { return errMissing }
func abiRemoteAsk(uint32, uint32, uint32, string, []byte, int64, uint64) int64 { return errMissing }
func abiRemoteTake(uint32, uint32, []byte, *int64) int64                       { return errMissing }
func abiRemoteReason(uint32, uint32, []byte) int64                             { return errMissing }
