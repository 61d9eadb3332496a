import type { Step } from './model-server.ts';

/** A tool on offer, or a namespace of them. */
interface Offer {
  readonly type: string;
  readonly name?: string;
  readonly tools?: readonly Offer[];
}

/** What of a request's body matters here. */
export interface ResponsesBody {
  readonly model?: string;
  readonly tools?: readonly Offer[];
  readonly input?: readonly {
    readonly type?: string;
    readonly role?: string;
    readonly content?: unknown;
    readonly output?: unknown;
    readonly tools?: readonly Offer[];
  }[];
}

type Call = Extract<Step, { kind: 'tool' }>;

/** A namespace's tool is called by both names, as Claude writes them: `mcp__nanoclaw__send_message`. */
const SEPARATOR = '__';
/** The tool by which the current models call all others, out of a piece of JavaScript. */
const CODE_TOOL = { namespace: 'functions', name: 'exec' } as const;

interface Named {
  readonly flat: string;
  readonly namespace: string | undefined;
  readonly name: string;
}

function named(offers: readonly Offer[]): Named[] {
  return offers.flatMap((offer): Named[] => {
    if (offer.type !== 'namespace') {
      const name = offer.name ?? offer.type;
      return [{ flat: name, namespace: undefined, name }];
    }
    const namespace = offer.name ?? '';
    return (offer.tools ?? []).map(({ name = '' }) => {
      // The programs' own namespaces are not spelled out: `exec`, not `functions__exec`.
      const flat = namespace === CODE_TOOL.namespace ? name : `${namespace}${SEPARATOR}${name}`;
      return { flat, namespace, name };
    });
  });
}

/** Unknown models are offered functions in `tools`, the current ones an input item with namespaces. */
function offers({ tools = [], input = [] }: ResponsesBody): Named[] {
  const additional = input
    .filter(({ type }) => type === 'additional_tools')
    .flatMap((item) => item.tools ?? []);
  return named([...tools, ...additional]);
}

function speaksCode(body: ResponsesBody): boolean {
  return offers(body).some(
    ({ namespace, name }) => namespace === CODE_TOOL.namespace && name === CODE_TOOL.name,
  );
}

/** The names by which a script may call the tools on offer; the nested ones of the code tool cannot be listed. */
export function offeredTools(body: ResponsesBody): string[] {
  return offers(body).map(({ flat }) => flat);
}

/** The item by which the model calls a tool; any name that is not on offer itself is called from code, where it can. */
export function callOf({ name, input }: Call, body: ResponsesBody, callId: string): object {
  const offer = offers(body).find(({ flat }) => flat === name);
  if (offer === undefined && speaksCode(body)) {
    const code = `text(JSON.stringify(await tools.${name}(${JSON.stringify(input)})));`;
    return { type: 'custom_tool_call', id: `ctc_${callId}`, call_id: callId, ...CODE_TOOL, input: code };
  }
  return {
    type: 'function_call',
    id: `fc_${callId}`,
    call_id: callId,
    name: offer?.name ?? name,
    ...(offer?.namespace === undefined ? {} : { namespace: offer.namespace }),
    arguments: JSON.stringify(input),
  };
}
