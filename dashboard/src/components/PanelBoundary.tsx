// Keeps a panel that can't be drawn from taking the page with it.

import { Component, type ReactNode } from "react";
import { Blank } from "./Blank";

export class PanelBoundary extends Component<{ children: ReactNode }, { broken: boolean }> {
  override state = { broken: false };

  static getDerivedStateFromError(): { broken: boolean } {
    return { broken: true };
  }

  override render(): ReactNode {
    if (!this.state.broken) return this.props.children;
    return (
      <Blank icon="triangle" title="This can’t be shown">
        The answer isn’t what this page expects. Reload the page; it may be older than the API.
      </Blank>
    );
  }
}
