/** The rooms and who may import whom, as ARCHITECTURE.md draws them. `npm test` holds the code to it. */

/** What every room may import beside what its row names. */
const GROUND = [
  '^src/(log|log-file|paths|clock|clean-up|config|hand-written|replace-file|exists|machine-trouble|time-limit|timings|waker)\\.ts$',
  '^src/(address-secrets|log|log-file|paths|clock|clean-up|config|replace-file|exists|machine-trouble|time-limit|timings|waker)\\.ts$',
  '^src/(log|log-file|paths|clock|clean-up|config|replace-file|exists|is-text|printable|shell-word|machine-trouble|time-limit|timings|waker)\\.ts$',
  '^src/protocol/',
];

/** Room → what it may import of `src/`, as patterns. */
const ROOMS = {
  protocol: [],
  schedule: [],
  text: ['^src/channel/channel\\.ts$'],
  store: ['^src/channel/channel\\.ts$'],
  groups: ['^src/store/'],
  snapshots: ['^src/store/'],
  channel: [],
  agent: ['^src/container-runner\\.ts$'],
  credentials: ['^src/agent/agent\\.ts$'],
  attachments: ['^src/store/', '^src/channel/channel\\.ts$'],
  delivery: ['^src/store/', '^src/channel/channel\\.ts$'],
  conversation: [
    '^src/store/',
    '^src/agent/agent\\.ts$',
    '^src/channel/channel\\.ts$',
    '^src/groups/',
    '^src/schedule/',
    '^src/snapshots/',
    '^src/text/',
  ],
  scheduler: ['^src/store/', '^src/schedule/', '^src/conversation/'],
  mailbox: [
    '^src/store/',
    '^src/schedule/',
    '^src/groups/',
    '^src/snapshots/',
    '^src/text/',
    '^src/channel/channel\\.ts$',
  ],
  operations: [
    '^src/store/',
    '^src/groups/',
    '^src/schedule/',
    '^src/agent/agent\\.ts$',
    '^src/channel/channel\\.ts$',
  ],
};

const rooms = Object.entries(ROOMS).map(([room, others]) => ({
  name: `${room}-imports-only-what-stands-below-it`,
  comment: `The table of rooms in ARCHITECTURE.md says what ${room}/ may import.`,
  severity: 'error',
  from: { path: `^src/${room}/`, pathNot: '\\.test\\.ts$' },
  to: {
    path: '^(src|simulator|test|bench)/',
    pathNot: [`^src/${room}/`, ...(room === 'protocol' ? [] : GROUND), ...others],
  },
}));

module.exports = {
  forbidden: [
    ...rooms,
    {
      name: 'protocol-knows-zod-only',
      severity: 'error',
      from: { path: '^src/protocol/', pathNot: '\\.test\\.ts$' },
      to: { pathNot: '^src/protocol/|^node_modules/zod/' },
    },
    {
      name: 'ground-imports-no-room',
      comment: 'Config knows the protocol’s names; nothing on the ground knows a room.',
      severity: 'error',
      from: {
        path: '^src/[^/]+\\.ts$',
        pathNot:
          '^src/(main|instance|cli|pair|doctor|line|files|keys|task-command|group-command|protected-paths|dev)\\.ts$|\\.test\\.ts$',
      },
      to: { path: '^src/[^/]+/', pathNot: '^src/protocol/' },
    },
    {
      name: 'whatsapp-is-known-by-the-wiring-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/channel/whatsapp/|^src/(main|line)\\.ts$|\\.test\\.ts$' },
      to: { path: '^src/channel/whatsapp/|@whiskeysockets/baileys' },
    },
    {
      name: 'the-runner-shares-the-protocol-only',
      severity: 'error',
      from: { path: '^container/agent-runner/src/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(src|simulator|test|bench)/', pathNot: '^src/protocol/' },
    },
    {
      name: 'the-simulator-is-a-tool-of-its-own',
      comment: 'The demo starts the host as a program; the server knows nothing of it.',
      severity: 'error',
      from: { path: '^simulator/', pathNot: '\\.test\\.ts$' },
      to: { path: '^(src|test|bench|container)/' },
    },
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    { name: 'nothing-unresolved', severity: 'error', from: {}, to: { couldNotResolve: true } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      extensions: ['.ts', '.mjs', '.js', '.cjs', '.json'],
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
