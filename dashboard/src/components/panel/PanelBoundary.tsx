// Catches an error while a panel is drawn, so that the rest of the page stays.

import { Component, type ReactNode } from "react";
import { Blank } from "../parts/Blank";

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
