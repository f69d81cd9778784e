// Runs the scenarios of the Node client, as ../worker.py does those of Python: a line of JSON in is a call, a line of
// JSON out is its result. The client is unmodified; only name resolution is replaced: every host name is this machine.

import { createRequire } from "node:module";
import { createInterface } from "node:readline";

import "./resolve.mjs";

const require = createRequire(`${process.argv[2]}/`);
const { CohereClient, CohereClientV2 } = require("cohere-ai");

const messages = [{ role: "user", content: "How is the weather?" }];
const told = (service) => ({ token: service.key, baseUrl: service.url, ...service.settings });
const v1 = (service) => new CohereClient(told(service));
const v2 = (service) => new CohereClientV2(told(service));
const withModel = (service, options, more) => ({ model: service.model, ...more, ...options });

const scenarios = {
  generate: (service, options) => v1(service).generate({ prompt: "How is the weather?", ...options }),
  generate_stream: (service, options) => v1(service).generateStream({ prompt: "How is the weather?", ...options }),
  chat: (service, options) => v1(service).chat(withModel(service, options, { message: "How is the weather?" })),
  chat_stream: (service, options) => v1(service).chatStream(withModel(service, options, { message: "How is the weather?" })),
  embed: (service, options) =>
    v1(service).embed(withModel(service, options, { texts: ["one", "two"], inputType: "search_document" })),
  rerank: (service, options) =>
    v1(service).rerank(withModel(service, options, { query: "q", documents: ["one", "two"] })),
  models_list: (service, options) => v1(service).models.list(options),
  models_get: (service) => v1(service).models.get(service.model),
  check_api_key: (service) => v1(service).checkApiKey(),
  v2_chat: (service, options) => v2(service).chat(withModel(service, options, { messages })),
  v2_chat_stream: (service, options) => v2(service).chatStream(withModel(service, options, { messages })),
  v2_embed: (service, options) =>
    v2(service).embed(
      withModel(service, options, { texts: ["one", "two"], inputType: "search_document", embeddingTypes: ["float"] }),
    ),
  v2_rerank: (service, options) =>
    v2(service).rerank(withModel(service, options, { query: "q", documents: ["one", "two"] })),
};

const raised = (error) => ({
  class: error.constructor.name,
  module: "cohere-ai",
  status_code: error.statusCode ?? null,
  body: error.body ?? null,
  headers: Object.fromEntries(error.rawResponse?.headers ?? []),
  message: error.message,
});

async function run({ scenario, service, options }) {
  const began = performance.now();
  const seconds = () => (performance.now() - began) / 1000;
  const result = { value: null, events: [], at: [], error: null };
  try {
    let value = await scenarios[scenario.split(".")[1]](service, options);
    if (value?.[Symbol.asyncIterator]) {
      for await (const event of value) {
        result.events.push(event);
        result.at.push(seconds());
      }
      value = result.events;
    }
    result.value = value ?? null;
  } catch (error) {
    result.error = raised(error);
  }
  return { ...result, seconds: seconds() };
}

for await (const line of createInterface({ input: process.stdin })) {
  process.stdout.write(`${JSON.stringify(await run(JSON.parse(line)))}\n`);
}
