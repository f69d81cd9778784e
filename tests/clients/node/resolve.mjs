// Lets every host name be this machine, for the Node client.

import dns from "node:dns";

dns.lookup = (host, options, done) => {
  const address = { address: "127.0.0.1", family: 4 };
  const wanted = done ? options : {};
  const answer = done ?? options;
  process.nextTick(() => (wanted.all ? answer(null, [address]) : answer(null, address.address, address.family)));
};
