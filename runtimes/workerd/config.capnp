using Workerd = import "/workerd/workerd.capnp";

const config :Workerd.Config = (
  services = [
    (name = "worker", worker = .worker),
    (name = "loopback", network = (allow = ["private", "public"])),
  ],
  sockets = [(name = "http", address = "127.0.0.1:0", http = (), service = "worker")],
);

const worker :Workerd.Worker = (
  modules = [(name = "worker.js", esModule = embed "worker.js")],
  compatibilityDate = "2026-07-01",
  compatibilityFlags = COMPATIBILITY_FLAGS,
  bindings = [
    (name = "ENDPOINT", fromEnvironment = "ENDPOINT"),
    (name = "NOW", fromEnvironment = "NOW"),
  ],
  globalOutbound = "loopback",
);
