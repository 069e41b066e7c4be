import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { activations } from '../../models/activations.ts';
import { specSchema } from '../../models/layers.ts';
import { parseSpec } from '../../models/spec.ts';

const text = readFileSync(new URL('../../docs/spec.md', import.meta.url), 'utf8');

interface LayerSchema {
  readonly properties: Readonly<Record<string, { readonly const?: string; readonly enum?: readonly string[] }>>;
}

describe('docs/spec.md', () => {
  it('names every layer, option and value of the schema', () => {
    const json = z.toJSONSchema(specSchema, { io: 'input' }) as unknown as {
      properties: { layers: { items: { oneOf: LayerSchema[] } } };
    };
    const layers = json.properties.layers.items.oneOf;
    expect(layers).toHaveLength(9);
    for (const { properties } of layers) {
      for (const [option, { const: value, enum: values = [] }] of Object.entries(properties)) {
        for (const word of [option, value, ...values]) {
          if (word !== undefined) expect(text, `${properties.type?.const}.${option}`).toContain(`\`${word}\``);
        }
      }
    }
  });

  it('lists the activations and no other', () => {
    const paragraph = /Activations of recurrent layers.*?\n\n/s.exec(text)?.[0] ?? '';
    expect([...paragraph.matchAll(/`(\w+)`/g)].map(([, name]) => name)).toEqual([...activations]);
  });

  it('shows a spec that parses', () => {
    const example = /```json\n(.*?)```/s.exec(text)?.[1] ?? '';
    expect(parseSpec(JSON.parse(example)).layers).toHaveLength(3);
  });
});
