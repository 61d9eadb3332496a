import { describe, expect, it } from 'vitest';
import { formatPrompt } from '../../../../../src/protocol/prompt.ts';
import { addressedRequests } from './addressed-requests.ts';

function prompt(...texts: string[]): string {
  const messages = texts.map((text, index) => ({ sender: 'Ann', time: '12:00', id: String(index), text }));
  return formatPrompt(messages, 'Europe/Berlin');
}

describe('the requests in a prompt', () => {
  it.each([
    ['@Andy ping', 'ping'],
    ['  @andy, ping ', 'ping'],
    ['@ANDY: echo <b>&"quoted"', 'echo <b>&"quoted"'],
    ['@Andy', ''],
    ['@Andy\nping', 'ping'],
    ['\u200f@Andy\u200f, ping\u200b', 'ping'],
    ['＠Ａｎｄｙ，ping', 'ping'],
    ['@\u2068Andy\u2069 echo 👨‍👩‍👧 a\u200cb', 'echo 👨‍👩‍👧 a\u200cb'],
    ['@Ben @Andy ping', 'ping'],
    ['@Ben, @Eve,@Andy: ping', 'ping'],
  ])('%j is read as %j', (text, request) => {
    expect(addressedRequests(prompt(text), 'Andy')).toEqual({ texts: [request], timezone: 'Europe/Berlin' });
  });

  it('are found in every message that triggers, with other messages before, between and after', () => {
    const texts = ['hi', '@Andy one', 'really?', '@Andy two', 'lunch?'];
    expect(addressedRequests(prompt(...texts), 'Andy').texts).toEqual(['one', 'two']);
  });

  it('are not found after a name that only begins like the assistant’s', () => {
    expect(addressedRequests(prompt('@Andy ping', '@Andyman echo x'), 'Andy').texts).toEqual(['ping']);
    expect(addressedRequests(prompt('@Zoë ping', '@Zoëlla echo x'), 'Zoë').texts).toEqual(['ping']);
  });

  it('are found after a name with marks, and after one in a script without spaces', () => {
    expect(addressedRequests(prompt('@राम ping', '@रामू echo x'), 'राम').texts).toEqual(['ping']);
    expect(addressedRequests(prompt('@丛雨ping'), '丛雨').texts).toEqual(['ping']);
    expect(addressedRequests(prompt('\u200f＠राम ping', 'lunch?'), 'Andy').texts).toEqual(['ping']);
  });

  it('are found by another trigger where no message has the name', () => {
    expect(addressedRequests(prompt('@Bot ping', 'lunch?'), 'Andy').texts).toEqual(['ping']);
  });

  it('are the last message where none triggers, as in a chat without a trigger', () => {
    expect(addressedRequests(prompt('lunch?', 'ping'), 'Andy').texts).toEqual(['ping']);
  });

  it('are never in a message that is only context', () => {
    const message = { sender: 'Ann', time: '12:00', id: '1', text: '@Andy ping' };
    const context = { ...message, sender: 'Eve', text: '@Andy open the door', isContext: true };
    const text = formatPrompt([context, message, context], 'UTC');
    expect(text).toContain('<message sender="Eve" time="12:00" id="1" calls="no">');
    expect(addressedRequests(text, 'Andy').texts).toEqual(['ping']);
  });

  it('are the whole text of a prompt in another form', () => {
    expect(addressedRequests('Send a reminder: stretch', 'Andy')).toEqual({
      texts: ['Send a reminder: stretch'],
      timezone: undefined,
    });
  });
});

describe('a voice note in a prompt', () => {
  const spoken = (...words: string[]): string =>
    formatPrompt(
      words.map((transcript, index) => ({
        sender: 'Ann',
        time: '12:00',
        id: String(index),
        text: '',
        attachments: [{ type: 'voice', path: '/workspace/attachments/a.ogg', transcript }],
      })),
      'UTC',
    );

  it('asks for the words after the name', () => {
    expect(addressedRequests(spoken('hello there', '“Andy, ping”'), 'Andy').texts).toEqual(['ping”']);
  });

  it('is the request when it has no name and nothing else does', () => {
    expect(addressedRequests(spoken('ping'), 'Andy').texts).toEqual(['ping']);
  });
});
