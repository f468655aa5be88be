// A test run that is told to end ends as one that is done: what listens for its exit kills servers and removes folders.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGPIPE']) process.once(signal, () => process.exit(1));
